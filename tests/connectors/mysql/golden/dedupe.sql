DELETE `main`.`students_airbyte_tmp` FROM (
  SELECT r FROM (
    SELECT `s`.`_airbyte_raw_id` AS r, row_number() OVER (PARTITION BY `s`.`id`, `s`.`a"b` ORDER BY `s`.`a"b` DESC, `s`.`_airbyte_extracted_at` DESC, `s`.`_airbyte_raw_id` DESC) AS place
    FROM `main`.`students_airbyte_tmp` AS s
  ) AS ranked
  WHERE place > 1
 ORDER BY `r` LIMIT 18446744073709551615) AS `_airbyte_gone` STRAIGHT_JOIN `main`.`students_airbyte_tmp` ON `main`.`students_airbyte_tmp`.`_airbyte_raw_id` = `_airbyte_gone`.`r`;
