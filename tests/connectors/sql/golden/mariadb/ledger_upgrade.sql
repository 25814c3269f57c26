ALTER TABLE `internal`.`_airbyte_ledger` RENAME TO `_airbyte_streams`;
ALTER TABLE `internal`.`_airbyte_streams` ADD COLUMN `stream_namespace` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
ALTER TABLE `internal`.`_airbyte_streams` ADD COLUMN `stream_name` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
ALTER TABLE `internal`.`_airbyte_streams` ADD COLUMN `columns` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
CREATE TABLE IF NOT EXISTS `internal`.`_airbyte_ledger` (`format` bigint NOT NULL, `notice` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL);
INSERT INTO `internal`.`_airbyte_ledger` (`format`, `notice`) VALUES (%(format)s, %(notice)s);
