CREATE VIEW removals AS SELECT * FROM _removals;
