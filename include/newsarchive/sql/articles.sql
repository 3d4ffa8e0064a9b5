CREATE VIEW articles AS
SELECT a.*, s.story_id
FROM _articles a
LEFT JOIN _stories s ON s.article_day = a.article_day AND s.article_id = a.article_id;
COMMENT ON COLUMN articles.story_id IS 'First article with this text, on whichever site: one id for near-duplicates; NULL where an older version published its day';
