ALTER TABLE `internal`.`_airbyte_ledger` RENAME TO `_airbyte_streams`;
ALTER TABLE `internal`.`_airbyte_streams` RENAME COLUMN `checkpoint` TO `checkpoint_raw_id`;
ALTER TABLE `internal`.`_airbyte_streams` ADD COLUMN `stream_namespace` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
ALTER TABLE `internal`.`_airbyte_streams` ADD COLUMN `stream_name` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
ALTER TABLE `internal`.`_airbyte_streams` ADD COLUMN `columns` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
ALTER TABLE `internal`.`_airbyte_streams` ADD COLUMN `publishing` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE TABLE IF NOT EXISTS `internal`.`_airbyte_flushes` (`final_namespace` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL, `final_name` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL, `epoch` bigint NOT NULL, `number` bigint NOT NULL, `rows` bigint NOT NULL, `checkpoint_raw_id` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, `highest_raw_id` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, PRIMARY KEY (`final_namespace`, `final_name`, `epoch`, `number`)) ENGINE = InnoDB;
CREATE TABLE IF NOT EXISTS `internal`.`_airbyte_ledger` (`format` bigint NOT NULL, `notice` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL, PRIMARY KEY (`format`)) ENGINE = InnoDB;
INSERT IGNORE INTO `internal`.`_airbyte_ledger` (`format`, `notice`) VALUES (%(format)s, %(notice)s);
