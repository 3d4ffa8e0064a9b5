CREATE VIEW rejects AS SELECT * FROM _rejects;
