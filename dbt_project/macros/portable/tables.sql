{# What tables of an engine can be. #}

{# Whether rows of a table can be replaced, see macros/incremental; else each run builds it in full. #}
{% macro has_incremental_tables() %}{{ return(adapter.dispatch('has_incremental_tables')()) }}{% endmacro %}
{% macro duckdb__has_incremental_tables() %}{{ return(true) }}{% endmacro %}
{% macro spark__has_incremental_tables() %}{{ return(false) }}{% endmacro %}
