CREATE VIEW coverage AS SELECT * FROM _coverage;
