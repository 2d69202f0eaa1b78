{# Rows of a seed on Spark, as literals: dbt-spark binds them as text, so that a quote ends the
   statement and an empty cell becomes the text None. #}
{% macro spark__load_csv_rows(model, agate_table) %}
    {% set types = model['config'].get('column_types', {}) %}
    {% set sql %}
        insert into {{ this.render() }} values
        {% for row in agate_table.rows %}
            (
            {%- for column in agate_table.column_names -%}
                cast(
                    {%- if row[column] is none %} null
                    {%- else %} '{{ row[column] | string | replace("\\", "\\\\") | replace("'", "\\'") }}'
                    {%- endif %} as {{ types.get(column, adapter.convert_type(agate_table, loop.index0)) }}
                ){{ ', ' if not loop.last }}
            {%- endfor -%}
            ){{ ',' if not loop.last }}
        {% endfor %}
    {% endset %}
    {% do adapter.add_query(sql, abridge_sql_log=True) %}
    {{ return(sql) }}
{% endmacro %}
