SELECT coalesce(max(`number`), 0) FROM `internal`.`_airbyte_journal` WHERE `at` >= %(since)s AND `run` = %(run)s;
