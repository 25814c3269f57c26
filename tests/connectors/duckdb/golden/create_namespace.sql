CREATE SCHEMA "lake"."crm";
