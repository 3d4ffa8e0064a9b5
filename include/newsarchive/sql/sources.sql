CREATE VIEW sources AS
SELECT * FROM _sources ORDER BY source;
COMMENT ON VIEW sources IS 'Every declared source, as it was when the archive was last published';
COMMENT ON COLUMN sources.source IS 'Name of the source';
COMMENT ON COLUMN sources.title IS 'Title of the publication';
COMMENT ON COLUMN sources.url IS 'Its home page';
COMMENT ON COLUMN sources.language IS 'Its language, ISO 639-1';
COMMENT ON COLUMN sources.country IS 'Its country, ISO 3166-1';
COMMENT ON COLUMN sources.timezone IS 'Its time zone';
COMMENT ON COLUMN sources.expected_min IS 'Fewest articles expected a day';
COMMENT ON COLUMN sources.expected_max IS 'Most articles expected a day';
COMMENT ON COLUMN sources.tags IS 'Tags by which it can be switched on';
COMMENT ON COLUMN sources.listings IS 'Addresses where it lists its articles';
COMMENT ON COLUMN sources.source_version IS 'Hash of its TOML file';
COMMENT ON COLUMN sources.declaration IS 'The whole declaration as JSON';
