ALTER TABLE `main`.`students_airbyte_tmp` RENAME TO `sales"2025`.`Robert'); DROP TABLE students;--`;
