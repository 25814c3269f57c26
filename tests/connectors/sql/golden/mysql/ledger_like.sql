SELECT `format` FROM `internal`.`_airbyte_ledger` FOR UPDATE;
SELECT `final_namespace`, `final_name`, `stream_namespace`, `stream_name` FROM `internal`.`_airbyte_streams` WHERE `epoch` > 0 AND (lower(`final_name`) = lower(%(final_name)s) OR `stream_name` = %(stream_name)s);
