ALTER TABLE `tier` ADD `revision` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `latency` DROP COLUMN `resolution`;--> statement-breakpoint
ALTER TABLE `latency` DROP COLUMN `stage`;--> statement-breakpoint
ALTER TABLE `latency` DROP COLUMN `start`;--> statement-breakpoint
CREATE VIEW `latency_row` AS SELECT CASE key >> 50 WHEN 0 THEN 1 WHEN 2 THEN 10 WHEN 4 THEN 60 WHEN 5 THEN 600 ELSE 3600 END AS resolution, key >> 32 & 262143 AS stage, name, key & 4294967295 AS start, count, errors, untimed, breaches, min_ns, max_ns, sum_ns, histogram FROM latency LEFT JOIN name ON id = (key >> 32 & 262143);--> statement-breakpoint
INSERT INTO `tier` (`resolution`, `rolled_to`, `pruned_to`)
SELECT 600, `pruned_to`, `pruned_to` FROM `tier` WHERE `resolution` = 60;
