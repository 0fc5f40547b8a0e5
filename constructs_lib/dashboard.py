"""The definition of a QuickSight dashboard over one data set, from a list of charts."""

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk.aws_quicksight import CfnDashboard

DATA = "data"
"""The name by which the definition refers to its data set."""


class InvalidChartError(ValueError):
    """A chart that QuickSight would refuse."""


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A visual: the sums of `measures`, or the number of different values of `distinct`.

    With `day` it is a line over the days for each value of `by`. Without it, it is a bar for each value of `by`, the
    largest first, at most `top` of them.
    """

    name: str
    title: str
    by: str
    measures: tuple[str, ...] = ()
    distinct: str = ""
    day: str = ""
    top: int = 20

    def __post_init__(self) -> None:
        """Check the rules of QuickSight. Raises InvalidChartError."""
        count = len(self.measures) + bool(self.distinct)
        if not count:
            raise InvalidChartError(f"{self.name} shows nothing")
        if self.day and count > 1:
            raise InvalidChartError(
                f"{self.name}: lines are split by {self.by}, which leaves room for one measure only"
            )


def definition(
    *, data_set_arn: str, title: str, charts: Sequence[Chart]
) -> CfnDashboard.DashboardVersionDefinitionProperty:
    """One sheet with these charts, one below the other."""
    return CfnDashboard.DashboardVersionDefinitionProperty(
        data_set_identifier_declarations=[
            CfnDashboard.DataSetIdentifierDeclarationProperty(identifier=DATA, data_set_arn=data_set_arn)
        ],
        sheets=[
            CfnDashboard.SheetDefinitionProperty(
                sheet_id="sheet", name=title, visuals=[_line(each) if each.day else _bar(each) for each in charts]
            )
        ],
    )


def _line(chart: Chart) -> CfnDashboard.VisualProperty:
    wells = CfnDashboard.LineChartAggregatedFieldWellsProperty(
        category=[
            CfnDashboard.DimensionFieldProperty(
                date_dimension_field=CfnDashboard.DateDimensionFieldProperty(
                    field_id=f"{chart.name}-{chart.day}", column=_column(chart.day), date_granularity="DAY"
                )
            )
        ],
        values=_values(chart),
        colors=[_category(chart)],
    )
    return CfnDashboard.VisualProperty(
        line_chart_visual=CfnDashboard.LineChartVisualProperty(
            visual_id=chart.name,
            title=_title(chart),
            chart_configuration=CfnDashboard.LineChartConfigurationProperty(
                type="LINE",
                field_wells=CfnDashboard.LineChartFieldWellsProperty(line_chart_aggregated_field_wells=wells),
            ),
        )
    )


def _bar(chart: Chart) -> CfnDashboard.VisualProperty:
    values = _values(chart)
    wells = CfnDashboard.BarChartAggregatedFieldWellsProperty(category=[_category(chart)], values=values)
    first = CfnDashboard.FieldSortProperty(
        field_id=f"{chart.name}-{(*chart.measures, chart.distinct)[0]}", direction="DESC"
    )
    return CfnDashboard.VisualProperty(
        bar_chart_visual=CfnDashboard.BarChartVisualProperty(
            visual_id=chart.name,
            title=_title(chart),
            chart_configuration=CfnDashboard.BarChartConfigurationProperty(
                orientation="HORIZONTAL",
                bars_arrangement="CLUSTERED",
                field_wells=CfnDashboard.BarChartFieldWellsProperty(bar_chart_aggregated_field_wells=wells),
                sort_configuration=CfnDashboard.BarChartSortConfigurationProperty(
                    category_sort=[CfnDashboard.FieldSortOptionsProperty(field_sort=first)],
                    category_items_limit=CfnDashboard.ItemsLimitConfigurationProperty(
                        items_limit=chart.top, other_categories="EXCLUDE"
                    ),
                ),
            ),
        )
    )


def _title(chart: Chart) -> CfnDashboard.VisualTitleLabelOptionsProperty:
    text = CfnDashboard.ShortFormatTextProperty(plain_text=chart.title)
    return CfnDashboard.VisualTitleLabelOptionsProperty(visibility="VISIBLE", format_text=text)


def _column(name: str) -> CfnDashboard.ColumnIdentifierProperty:
    return CfnDashboard.ColumnIdentifierProperty(data_set_identifier=DATA, column_name=name)


def _category(chart: Chart) -> CfnDashboard.DimensionFieldProperty:
    return CfnDashboard.DimensionFieldProperty(
        categorical_dimension_field=CfnDashboard.CategoricalDimensionFieldProperty(
            field_id=f"{chart.name}-{chart.by}", column=_column(chart.by)
        )
    )


def _values(chart: Chart) -> list[CfnDashboard.MeasureFieldProperty]:
    sums = [_sum(f"{chart.name}-{each}", each) for each in chart.measures]
    return [*sums, _distinct(f"{chart.name}-{chart.distinct}", chart.distinct)] if chart.distinct else sums


def _sum(field_id: str, column: str) -> CfnDashboard.MeasureFieldProperty:
    how = CfnDashboard.NumericalAggregationFunctionProperty(simple_numerical_aggregation="SUM")
    field = CfnDashboard.NumericalMeasureFieldProperty(
        field_id=field_id, column=_column(column), aggregation_function=how
    )
    return CfnDashboard.MeasureFieldProperty(numerical_measure_field=field)


def _distinct(field_id: str, column: str) -> CfnDashboard.MeasureFieldProperty:
    field = CfnDashboard.CategoricalMeasureFieldProperty(
        field_id=field_id, column=_column(column), aggregation_function="DISTINCT_COUNT"
    )
    return CfnDashboard.MeasureFieldProperty(categorical_measure_field=field)
