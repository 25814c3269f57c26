DELETE FROM `internal`.`_airbyte_files` WHERE `final_namespace` = %(final_namespace)s AND `final_name` = %(final_name)s;
