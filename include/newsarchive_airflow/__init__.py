"""What our DAGs share and the library must not know: Airflow's metrics and notifiers."""
