ALTER TABLE `sales"2025`.`Robert'); DROP TABLE students;--` ENGINE = InnoDB;
