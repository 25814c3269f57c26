DELETE `sales"2025`.`Robert'); DROP TABLE students;--` FROM (
  SELECT r FROM (
    SELECT `t`.`_airbyte_raw_id` AS r, max((coalesce(`t`.`lsn` > `latest`.`o0`, `t`.`lsn` IS NOT NULL) OR `t`.`lsn` <=> `latest`.`o0` AND (coalesce(`t`.`_airbyte_extracted_at` > `latest`.`o1`, `t`.`_airbyte_extracted_at` IS NOT NULL) OR `t`.`_airbyte_extracted_at` <=> `latest`.`o1` AND (coalesce(`t`.`_airbyte_raw_id` > `latest`.`o2`, `t`.`_airbyte_raw_id` IS NOT NULL) OR `t`.`_airbyte_raw_id` <=> `latest`.`o2` AND true)))) OVER (PARTITION BY `latest`.`o2`) AS stays
    FROM (
      SELECT `k0`, `o0`, `o1`, `o2` FROM (
        SELECT `s`.`id` AS `k0`, `s`.`lsn` AS `o0`, `s`.`_airbyte_extracted_at` AS `o1`, `s`.`_airbyte_raw_id` AS `o2`, row_number() OVER (PARTITION BY `s`.`id` ORDER BY `s`.`lsn` DESC, `s`.`_airbyte_extracted_at` DESC, `s`.`_airbyte_raw_id` DESC) AS place
        FROM `main`.`students_airbyte_tmp` AS s
      ) AS ranked
      WHERE place < 2
    ) AS `latest` STRAIGHT_JOIN `sales"2025`.`Robert'); DROP TABLE students;--` AS t ON `t`.`id` <=> `latest`.`k0`
  ) AS of_keys
  WHERE stays = 0
 ORDER BY `r` LIMIT 18446744073709551615) AS `_airbyte_gone` STRAIGHT_JOIN `sales"2025`.`Robert'); DROP TABLE students;--` ON `sales"2025`.`Robert'); DROP TABLE students;--`.`_airbyte_raw_id` = `_airbyte_gone`.`r`;
INSERT INTO `sales"2025`.`Robert'); DROP TABLE students;--` (`_airbyte_raw_id`, `_airbyte_extracted_at`, `_airbyte_meta`, `_airbyte_generation_id`, `id`, `select`, `a"b`, `:name {} %s`, `deleted`, `lsn`)
SELECT `s`.`_airbyte_raw_id`, `s`.`_airbyte_extracted_at`, `s`.`_airbyte_meta`, `s`.`_airbyte_generation_id`, `s`.`id`, `s`.`select`, `s`.`a"b`, `s`.`:name {} %s`, `s`.`deleted`, `s`.`lsn` FROM (
    SELECT `latest`.`o2` AS r FROM (
      SELECT `k0`, `o0`, `o1`, `o2` FROM (
        SELECT `s`.`id` AS `k0`, `s`.`lsn` AS `o0`, `s`.`_airbyte_extracted_at` AS `o1`, `s`.`_airbyte_raw_id` AS `o2`, row_number() OVER (PARTITION BY `s`.`id` ORDER BY `s`.`lsn` DESC, `s`.`_airbyte_extracted_at` DESC, `s`.`_airbyte_raw_id` DESC) AS place
        FROM `main`.`students_airbyte_tmp` AS s
      ) AS ranked
      WHERE place < 2
    ) AS `latest`
    LEFT JOIN `sales"2025`.`Robert'); DROP TABLE students;--` AS t ON `t`.`id` <=> `latest`.`k0`
    WHERE `t`.`_airbyte_raw_id` IS NULL
 ORDER BY `r` LIMIT 18446744073709551615) AS chosen
STRAIGHT_JOIN `main`.`students_airbyte_tmp` AS s ON `s`.`_airbyte_raw_id` = chosen.r;
