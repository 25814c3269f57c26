ALTER TABLE `sales"2025`.`Robert'); DROP TABLE students;--` ADD COLUMN `_airbyte_generation_id` bigint NOT NULL DEFAULT (0);
