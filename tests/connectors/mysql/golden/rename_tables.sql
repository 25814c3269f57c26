RENAME TABLE `sales"2025`.`Robert'); DROP TABLE students;--` TO `main`.`students_airbyte_tmp`, `main`.`students_airbyte_tmp` TO `sales"2025`.`Robert'); DROP TABLE students;--`;
