{# What identifies a member among visitors of a platform and customers. #}
{% macro member_id() -%}
    case when kind = 'visit' then {{ join_key(['platform', 'member_key']) }} else member_key end
{%- endmacro %}
