CREATE VIEW keywords AS
SELECT unnest(keywords) AS keyword, article_day, source, language, article_id
FROM _articles;
COMMENT ON VIEW keywords IS 'Keywords of the articles, a row for each keyword of each article';
COMMENT ON COLUMN keywords.keyword IS 'Keyword as the page gives it';
COMMENT ON COLUMN keywords.article_day IS 'Day the article is filed under';
COMMENT ON COLUMN keywords.source IS 'Name of the source';
COMMENT ON COLUMN keywords.language IS 'Language of the text, ISO 639-1';
COMMENT ON COLUMN keywords.article_id IS 'Article that has it';
