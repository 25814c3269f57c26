DELETE FROM `internal`.`_airbyte_journal` WHERE `at` < %(before)s;
