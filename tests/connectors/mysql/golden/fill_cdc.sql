INSERT INTO `sales"2025`.`Robert'); DROP TABLE students;--` (`_airbyte_raw_id`, `_airbyte_extracted_at`, `_airbyte_meta`, `_airbyte_generation_id`, `id`, `select`, `a"b`, `:name {} %s`, `deleted`, `lsn`)
SELECT `s`.`_airbyte_raw_id`, `s`.`_airbyte_extracted_at`, `s`.`_airbyte_meta`, `s`.`_airbyte_generation_id`, `s`.`id`, `s`.`select`, `s`.`a"b`, `s`.`:name {} %s`, `s`.`deleted`, `s`.`lsn` FROM (
    SELECT `latest`.`o2` AS r FROM (
      SELECT `k0`, `o0`, `o1`, `o2` FROM (
        SELECT `s`.`id` AS `k0`, `s`.`lsn` AS `o0`, `s`.`_airbyte_extracted_at` AS `o1`, `s`.`_airbyte_raw_id` AS `o2`, row_number() OVER (PARTITION BY `s`.`id` ORDER BY `s`.`lsn` DESC, `s`.`_airbyte_extracted_at` DESC, `s`.`_airbyte_raw_id` DESC) AS place
        FROM `main`.`students_airbyte_tmp` AS s
      ) AS ranked
      WHERE place < 2
    ) AS `latest`
 ORDER BY `r` LIMIT 18446744073709551615) AS chosen
STRAIGHT_JOIN `main`.`students_airbyte_tmp` AS s ON `s`.`_airbyte_raw_id` = chosen.r
WHERE NOT (coalesce(`s`.`deleted`, '') <> '');
