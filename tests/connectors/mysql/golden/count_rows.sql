SELECT count(*) FROM `sales"2025`.`Robert'); DROP TABLE students;--`;
