CREATE TABLE `alert` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`run` integer NOT NULL,
	`number` integer NOT NULL,
	`rule` text NOT NULL,
	`subject` text NOT NULL,
	`severity` text NOT NULL,
	`summary` text NOT NULL,
	`threshold` real NOT NULL,
	`unit` text NOT NULL,
	`opened_ms` integer NOT NULL,
	`last_ms` integer NOT NULL,
	`resolved_ms` integer,
	`count` integer NOT NULL,
	`worst` real NOT NULL
) STRICT;
--> statement-breakpoint
CREATE UNIQUE INDEX `alert_number` ON `alert` (`run`,`number`);--> statement-breakpoint
CREATE TABLE `decision` (
	`version` text NOT NULL,
	`state` text NOT NULL,
	`decision` text NOT NULL,
	`confidence` real NOT NULL,
	`probabilities` text,
	`decided_at_ms` integer NOT NULL,
	`uses` integer NOT NULL,
	`last_used_ms` integer NOT NULL,
	PRIMARY KEY(`version`, `state`)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `event` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`run` integer NOT NULL,
	`at_ms` integer NOT NULL,
	`kind` text NOT NULL,
	`severity` text NOT NULL,
	`message` text NOT NULL,
	`detail` text NOT NULL
) STRICT;
--> statement-breakpoint
CREATE TABLE `gap` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`run` integer NOT NULL,
	`at_ms` integer NOT NULL,
	`feed` text NOT NULL,
	`channel` text NOT NULL,
	`session` text NOT NULL,
	`first_seq` integer NOT NULL,
	`lost` integer NOT NULL,
	`recovered` integer NOT NULL,
	`healed_ms` integer
) STRICT;
--> statement-breakpoint
CREATE INDEX `gap_channel` ON `gap` (`channel`,`first_seq`);--> statement-breakpoint
CREATE TABLE `latency` (
	`key` integer PRIMARY KEY NOT NULL,
	`resolution` integer GENERATED ALWAYS AS (CASE key >> 51 WHEN 0 THEN 1 WHEN 1 THEN 10 WHEN 2 THEN 60 ELSE 3600 END) VIRTUAL,
	`stage` integer GENERATED ALWAYS AS (key >> 32 & 524287) VIRTUAL,
	`start` integer GENERATED ALWAYS AS (key & 4294967295) VIRTUAL,
	`count` integer NOT NULL,
	`errors` integer NOT NULL,
	`untimed` integer NOT NULL,
	`breaches` integer NOT NULL,
	`min_ns` integer,
	`max_ns` integer,
	`sum_ns` real NOT NULL,
	`histogram` blob NOT NULL
) STRICT;
--> statement-breakpoint
CREATE TABLE `metric` (
	`resolution` integer NOT NULL,
	`metric` integer NOT NULL,
	`start` integer NOT NULL,
	`samples` integer NOT NULL,
	`sum` real NOT NULL,
	`min` real NOT NULL,
	`max` real NOT NULL,
	`last` real NOT NULL,
	PRIMARY KEY(`resolution`, `metric`, `start`)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `name` (
	`id` integer PRIMARY KEY NOT NULL,
	`name` text NOT NULL
) STRICT;
--> statement-breakpoint
CREATE UNIQUE INDEX `name_name_unique` ON `name` (`name`);--> statement-breakpoint
CREATE TABLE `run` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`key` text NOT NULL,
	`start_ms` integer NOT NULL,
	`last_ms` integer NOT NULL,
	`stop_ms` integer,
	`clean` integer NOT NULL,
	`version` text NOT NULL,
	`commit` text NOT NULL,
	`config_hash` text NOT NULL,
	`host` text NOT NULL
) STRICT;
--> statement-breakpoint
CREATE TABLE `signal` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`run` integer NOT NULL,
	`seq` integer NOT NULL,
	`at_ms` integer NOT NULL,
	`feed` text NOT NULL,
	`input_seq` integer NOT NULL,
	`symbol` text NOT NULL,
	`signal` text NOT NULL,
	`confidence` real NOT NULL,
	`source` text NOT NULL,
	`reason` text NOT NULL,
	`age_ms` integer,
	`version` text NOT NULL,
	`state` text NOT NULL,
	`price` real NOT NULL,
	`exchange_time` text NOT NULL,
	`receive_time` text NOT NULL,
	`emit_time` text NOT NULL,
	`ttl_ms` integer NOT NULL,
	`latency_ns` integer NOT NULL
) STRICT;
--> statement-breakpoint
CREATE INDEX `signal_symbol` ON `signal` (`symbol`,`id`);--> statement-breakpoint
CREATE TABLE `tier` (
	`resolution` integer PRIMARY KEY NOT NULL,
	`rolled_to` integer NOT NULL,
	`pruned_to` integer NOT NULL
) STRICT;
--> statement-breakpoint
CREATE TABLE `version` (
	`version` text PRIMARY KEY NOT NULL,
	`model` text NOT NULL,
	`digest` text NOT NULL,
	`created_ms` integer NOT NULL,
	`last_used_ms` integer NOT NULL,
	`detail` text NOT NULL
) STRICT, WITHOUT ROWID;

