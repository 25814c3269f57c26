SELECT waiting.pid, holder.pid, holder.application_name, holder.backend_start, extract(epoch
FROM pg_catalog.clock_timestamp() - holder.state_change)::float8
FROM pg_catalog.pg_stat_activity AS waiting CROSS
JOIN LATERAL pg_catalog.unnest(pg_catalog.pg_blocking_pids(waiting.pid)) AS blocking (pid)
JOIN pg_catalog.pg_stat_activity AS holder ON holder.pid = blocking.pid
WHERE waiting.application_name = %(name)s::name::text AND waiting.wait_event_type = 'Lock';
