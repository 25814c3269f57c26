CREATE SCHEMA "elsewhere";
