CREATE VIEW listings AS SELECT * FROM _listings;
