CREATE VIEW aliases AS SELECT * FROM _aliases;
