CREATE VIEW versions AS SELECT * FROM _versions;
