SELECT name FROM sqlite_master WHERE type = 'table' AND instr(name, :mark) > 0 ORDER BY name;
