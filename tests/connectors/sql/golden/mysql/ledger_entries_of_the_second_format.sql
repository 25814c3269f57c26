SELECT max(`format`) FROM `internal`.`_airbyte_ledger`;
SELECT `final_namespace`, `final_name`, `stream_namespace`, `stream_name`, `columns`, `epoch`, `owner`, `temp_namespace`, `temp_name`, `recipe`, `last_flush`, `checkpoint`, `highest_raw_id`, `finalised` FROM `internal`.`_airbyte_streams` ORDER BY `final_namespace`, `final_name`;
