LOAD DATA LOCAL INFILE 'rows' INTO TABLE `sales"2025`.`Robert'); DROP TABLE students;--` CHARACTER SET utf8mb4 FIELDS TERMINATED BY '	' ESCAPED BY '\\' LINES TERMINATED BY '
' (`id`, `select`, `a"b`, `:name {} %s`);
