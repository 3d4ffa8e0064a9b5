CREATE VIEW articles AS SELECT * FROM _articles;
