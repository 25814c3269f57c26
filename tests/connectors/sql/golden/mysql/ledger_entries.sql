SELECT max(`format`) FROM `internal`.`_airbyte_ledger`;
SELECT `final_namespace`, `final_name`, `epoch`, `number`, `rows`, `checkpoint_raw_id`, `highest_raw_id` FROM `internal`.`_airbyte_flushes` ORDER BY `final_namespace`, `final_name`;
SELECT `final_namespace`, `final_name`, `stream_namespace`, `stream_name`, `columns`, `epoch`, `owner`, `temp_namespace`, `temp_name`, `recipe`, `last_flush`, `checkpoint_raw_id`, `highest_raw_id`, `finalised`, `publishing` FROM `internal`.`_airbyte_streams` ORDER BY `final_namespace`, `final_name`;
