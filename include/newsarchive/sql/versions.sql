CREATE VIEW versions AS
WITH moved AS (
    SELECT article_id, max(shown_as) AS shown_as FROM _article_index
    WHERE shown_as IS NOT NULL
    GROUP BY article_id
)
SELECT v.* REPLACE (
    coalesce(own.shown_as, v.article_id) AS article_id,
    coalesce(parent.shown_as, v.parent_article_id) AS parent_article_id
)
FROM _versions v
LEFT JOIN moved own ON own.article_id = v.article_id
LEFT JOIN moved parent ON parent.article_id = v.parent_article_id;
