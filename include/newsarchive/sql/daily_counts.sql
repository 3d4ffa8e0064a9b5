CREATE VIEW daily_counts AS
SELECT article_day, source, language, count(*) AS articles, sum(word_count)::BIGINT AS words
FROM _articles
GROUP BY ALL
ORDER BY article_day DESC, source, language;
COMMENT ON VIEW daily_counts IS 'Articles and words by day, source and language, newest day first';
COMMENT ON COLUMN daily_counts.article_day IS 'Day the articles are filed under';
COMMENT ON COLUMN daily_counts.source IS 'Name of the source';
COMMENT ON COLUMN daily_counts.language IS 'Language of the text, ISO 639-1';
COMMENT ON COLUMN daily_counts.articles IS 'Number of articles';
COMMENT ON COLUMN daily_counts.words IS 'Words in their texts';
