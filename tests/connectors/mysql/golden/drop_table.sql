DROP TABLE IF EXISTS `sales"2025`.`Robert'); DROP TABLE students;--`;
