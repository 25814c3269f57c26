SELECT 1 FROM `sales"2025`.`Robert'); DROP TABLE students;--` LIMIT 1;
