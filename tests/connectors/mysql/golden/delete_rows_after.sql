DELETE FROM `sales"2025`.`Robert'); DROP TABLE students;--` WHERE `_airbyte_raw_id` > %(after)s;
