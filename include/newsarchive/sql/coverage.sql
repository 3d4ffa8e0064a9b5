CREATE VIEW coverage AS
SELECT c.*, coalesce(a.articles, 0) AS articles
FROM _coverage c
LEFT JOIN (
    SELECT article_day, source, count(*) AS articles FROM _articles GROUP BY ALL
) a ON a.article_day = c.run_day AND a.source = c.source;
COMMENT ON COLUMN coverage.articles IS 'Articles that are filed under the day, whichever run brought them';
