DELETE `sales"2025`.`Robert'); DROP TABLE students;--` FROM (SELECT r FROM (
  SELECT r, new, row_number() OVER of_key AS place, first_value(r) OVER of_key AS latest
  FROM (
    SELECT `t`.`_airbyte_raw_id` AS r, NULL AS new, `t`.`id` AS `k0`, `t`.`lsn` AS `o0`, `t`.`_airbyte_extracted_at` AS `o1`, `t`.`_airbyte_raw_id` AS `o2` FROM `sales"2025`.`Robert'); DROP TABLE students;--` AS t
    WHERE `t`.`_airbyte_raw_id` IN (SELECT `t`.`_airbyte_raw_id` FROM `main`.`students_airbyte_tmp` AS s JOIN `sales"2025`.`Robert'); DROP TABLE students;--` AS t ON `s`.`id` <=> `t`.`id`)
    UNION ALL
    SELECT NULL, `s`.`_airbyte_raw_id`, `s`.`id`, `s`.`lsn`, `s`.`_airbyte_extracted_at`, `s`.`_airbyte_raw_id` FROM `main`.`students_airbyte_tmp` AS s
  ) AS of_both
  WINDOW of_key AS (PARTITION BY `k0` ORDER BY `o0` DESC, `o1` DESC, `o2` DESC, r IS NULL)
) AS ranked WHERE latest IS NULL) AS `_airbyte_gone` STRAIGHT_JOIN `sales"2025`.`Robert'); DROP TABLE students;--` ON `sales"2025`.`Robert'); DROP TABLE students;--`.`_airbyte_raw_id` = `_airbyte_gone`.`r`;
INSERT INTO `sales"2025`.`Robert'); DROP TABLE students;--` (`_airbyte_raw_id`, `_airbyte_extracted_at`, `_airbyte_meta`, `_airbyte_generation_id`, `id`, `select`, `a"b`, `:name {} %s`, `deleted`, `lsn`)
SELECT `s`.`_airbyte_raw_id`, `s`.`_airbyte_extracted_at`, `s`.`_airbyte_meta`, `s`.`_airbyte_generation_id`, `s`.`id`, `s`.`select`, `s`.`a"b`, `s`.`:name {} %s`, `s`.`deleted`, `s`.`lsn` FROM `main`.`students_airbyte_tmp` AS s
WHERE `s`.`_airbyte_raw_id` IN (SELECT new FROM (
  SELECT r, new, row_number() OVER of_key AS place, first_value(r) OVER of_key AS latest
  FROM (
    SELECT `t`.`_airbyte_raw_id` AS r, NULL AS new, `t`.`id` AS `k0`, `t`.`lsn` AS `o0`, `t`.`_airbyte_extracted_at` AS `o1`, `t`.`_airbyte_raw_id` AS `o2` FROM `sales"2025`.`Robert'); DROP TABLE students;--` AS t
    WHERE `t`.`_airbyte_raw_id` IN (SELECT `t`.`_airbyte_raw_id` FROM `main`.`students_airbyte_tmp` AS s JOIN `sales"2025`.`Robert'); DROP TABLE students;--` AS t ON `s`.`id` <=> `t`.`id`)
    UNION ALL
    SELECT NULL, `s`.`_airbyte_raw_id`, `s`.`id`, `s`.`lsn`, `s`.`_airbyte_extracted_at`, `s`.`_airbyte_raw_id` FROM `main`.`students_airbyte_tmp` AS s
  ) AS of_both
  WINDOW of_key AS (PARTITION BY `k0` ORDER BY `o0` DESC, `o1` DESC, `o2` DESC, r IS NULL)
) AS ranked WHERE place = 1 AND new IS NOT NULL);
