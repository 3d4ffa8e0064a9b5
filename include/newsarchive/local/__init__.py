"""The archive on one machine: PostgreSQL, Airflow, the sample newspapers, started as one."""
