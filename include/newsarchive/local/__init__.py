"""The archive on one machine: PostgreSQL, Airflow and the sample newspapers, started and ended together."""
