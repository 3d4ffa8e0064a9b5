CREATE VIEW captures AS SELECT * FROM _captures;
