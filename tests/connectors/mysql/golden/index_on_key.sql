CREATE INDEX `_airbyte_key` ON `sales"2025`.`Robert'); DROP TABLE students;--` (`id`, `select`(700));
