ALTER TABLE `sales"2025`.`Robert'); DROP TABLE students;--` ADD COLUMN `a"b` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
