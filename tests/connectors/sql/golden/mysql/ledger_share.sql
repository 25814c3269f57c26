SELECT `epoch`, `owner`, `last_flush` FROM `internal`.`_airbyte_streams` WHERE `final_namespace` = %(final_namespace)s AND `final_name` = %(final_name)s LOCK IN SHARE MODE;
