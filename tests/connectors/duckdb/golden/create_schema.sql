CREATE SCHEMA "lake"."sales""2025";
