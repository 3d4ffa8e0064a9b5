CREATE VIEW about AS
SELECT
    published_at, newsarchive_version, schema_version, built_in,
    (SELECT min(day) FROM _files WHERE "table" = 'coverage') AS first_run_day,
    (SELECT max(day) FROM _files WHERE "table" = 'coverage') AS last_run_day,
    (SELECT count(*) FROM _files) AS files
FROM _about;
COMMENT ON VIEW about IS 'The archive itself: when this snapshot was published, by which version, and what it spans';
COMMENT ON COLUMN about.published_at IS 'When this snapshot was published, UTC';
COMMENT ON COLUMN about.newsarchive_version IS 'Version of the software that published it';
COMMENT ON COLUMN about.schema_version IS 'Version of the tables';
COMMENT ON COLUMN about.built_in IS 'Folder of the archive when it was published';
COMMENT ON COLUMN about.first_run_day IS 'Earliest run day';
COMMENT ON COLUMN about.last_run_day IS 'Latest run day';
COMMENT ON COLUMN about.files IS 'Parquet files that the views read';
