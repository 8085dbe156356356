"""The control adapter: health, status, metrics, traces, logs, configuration and life of what runs."""
