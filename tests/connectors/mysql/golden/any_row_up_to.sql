SELECT 1 FROM `sales"2025`.`Robert'); DROP TABLE students;--` WHERE `_airbyte_raw_id` <= %(last)s LIMIT 1;
